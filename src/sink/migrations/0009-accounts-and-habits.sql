ALTER TABLE {database}.alerts
    ADD COLUMN IF NOT EXISTS accounts Array(String) COMMENT 'who acted (user.id), and to whom it was done (user.target.id); at most 100 pairs' AFTER totals_estimated;

ALTER TABLE {database}.alerts
    ADD COLUMN IF NOT EXISTS usual_up_to Nullable(Float64) COMMENT 'up to so much was usual in the group; null without a habit' AFTER threshold;

-- All columns of an alert, whichever they are, what people did about it, and until when who has to notify a breach
-- (GDPR, article 33) has time: 72 hours from when somebody acknowledged it, or at the earliest from its detection.
CREATE OR REPLACE VIEW {database}.alerts_with_state AS
SELECT
    a.*,
    if(s.state = '', 'new', s.state) AS state,
    s.assignee AS assignee,
    s.acknowledged_by AS acknowledged_by,
    s.acknowledged_at AS acknowledged_at,
    s.closed_by AS closed_by,
    s.closed_at AS closed_at,
    s.close_reason AS close_reason,
    s.comments AS comments,
    addHours(if(s.acknowledged_at = 0, a.detected_at, s.acknowledged_at), 72) AS notify_by
FROM (SELECT * FROM {database}.alerts FINAL) AS a
LEFT JOIN
(
    SELECT
        if(m.survivor = '', x.alert_id, m.survivor) AS subject,
        argMaxIf(if(x.action = 'close', 'closed', 'acknowledged'), x.at, x.action IN ('acknowledge', 'close')) AS state,
        argMaxIf(x.assignee, x.at, x.action = 'assign') AS assignee,
        argMinIf(x.actor, x.at, x.action = 'acknowledge') AS acknowledged_by,
        minIf(x.at, x.action = 'acknowledge') AS acknowledged_at,
        argMaxIf(x.actor, x.at, x.action = 'close') AS closed_by,
        maxIf(x.at, x.action = 'close') AS closed_at,
        argMaxIf(x.reason, x.at, x.action = 'close') AS close_reason,
        countIf(x.action = 'comment') AS comments
    FROM {database}.alert_actions AS x
    LEFT JOIN (SELECT alert_id, argMax(merged_into, step) AS survivor FROM {database}.alert_merges GROUP BY alert_id) AS m
        ON m.alert_id = x.alert_id
    GROUP BY subject
) AS s ON s.subject = a.alert_id;

-- As before; the columns of a view are those that its query had when it was made.
CREATE OR REPLACE VIEW {database}.alerts_current AS
SELECT * FROM {database}.alerts_with_state WHERE status != 'merged' AND NOT canary;
