-- Alerts about canaries show that a rule still detects; there is one of each rule every hour or so, for ever. They are
-- deleted long after the longest window in which a process may ask for them.
ALTER TABLE {database}.alerts
    ADD COLUMN IF NOT EXISTS canary Bool DEFAULT false COMMENT 'about a canary alone: shows that the rule detects' AFTER status;

ALTER TABLE {database}.alerts
    MODIFY TTL toDateTime(detected_at) + INTERVAL 60 DAY DELETE WHERE canary
    SETTINGS materialize_ttl_after_modify = 0;

-- The views as before, with that column.
CREATE OR REPLACE VIEW {database}.alerts_with_state AS
SELECT
    a.alert_id AS alert_id,
    a.rule AS rule,
    a.rule_hash AS rule_hash,
    a.title AS title,
    a.level AS level,
    a.tags AS tags,
    a.runbook AS runbook,
    a.group_fields AS group_fields,
    a.status AS status,
    a.canary AS canary,
    a.merged_into AS merged_into,
    a.resolution AS resolution,
    a.inhibited_by AS inhibited_by,
    a.first_event_at AS first_event_at,
    a.crossed_at AS crossed_at,
    a.last_event_at AS last_event_at,
    a.detected_at AS detected_at,
    a.value AS value,
    a.value_estimated AS value_estimated,
    a.threshold AS threshold,
    a.events AS events,
    a.persons AS persons,
    a.persons_estimated AS persons_estimated,
    a.records AS records,
    a.bytes AS bytes,
    a.totals_estimated AS totals_estimated,
    a.applications AS applications,
    a.organisations AS organisations,
    a.source_networks AS source_networks,
    a.categories AS categories,
    a.sample_event_ids AS sample_event_ids,
    a.records_before_alert AS records_before_alert,
    a.time_to_detect_ms AS time_to_detect_ms,
    a.version AS version,
    if(s.state = '', 'new', s.state) AS state,
    s.assignee AS assignee,
    s.acknowledged_by AS acknowledged_by,
    s.acknowledged_at AS acknowledged_at,
    s.closed_by AS closed_by,
    s.closed_at AS closed_at,
    s.close_reason AS close_reason,
    s.comments AS comments
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

-- What an operator works on: no canaries.
CREATE OR REPLACE VIEW {database}.alerts_current AS
SELECT * FROM {database}.alerts_with_state WHERE status != 'merged' AND NOT canary;

ALTER TABLE {database}.alert_actions
    COMMENT COLUMN action 'acknowledge, assign, comment, close, export or notify';
