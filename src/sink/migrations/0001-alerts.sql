-- One row per alert, the newest version wins. Writing the same state twice leaves one row, because the
-- version is a function of the state shown and nothing here depends on when the row was written.
CREATE TABLE IF NOT EXISTS {database}.alerts
(
    alert_id String,
    rule LowCardinality(String),
    title String,
    level LowCardinality(String),
    tags Array(LowCardinality(String)),
    runbook String,
    group_fields Map(String, Nullable(String)) COMMENT 'group-by field -> value, null where it was missing',
    status LowCardinality(String) COMMENT 'firing, resolved or merged',
    merged_into String COMMENT 'the surviving alert when status is merged',
    inhibited_by String COMMENT 'the alert that stands above this one in the same group',
    first_event_at DateTime64(3, 'UTC'),
    crossed_at DateTime64(3, 'UTC'),
    last_event_at DateTime64(3, 'UTC'),
    detected_at DateTime64(3, 'UTC') COMMENT 'wall time of the opening; all other times are event times',
    value Float64,
    value_estimated Bool,
    threshold Array(Tuple(op LowCardinality(String), value Float64)),
    events UInt64,
    persons UInt64,
    persons_estimated Bool,
    records UInt64,
    bytes UInt64,
    totals_estimated Bool,
    applications Array(String),
    organisations Array(String),
    source_networks Array(String),
    categories Array(String),
    sample_event_ids Array(String),
    records_before_alert UInt64,
    time_to_detect_ms Int64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY alert_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What people did about alerts: an append-only record of who did what, when and why.
CREATE TABLE IF NOT EXISTS {database}.alert_actions
(
    alert_id String,
    action LowCardinality(String) COMMENT 'acknowledge, assign, comment or close',
    actor String,
    assignee String COMMENT 'assign: to whom',
    reason String COMMENT 'the comment, or why',
    at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (alert_id, at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Every alert in its current row, merged ones too, with the newest state that people gave it. What was done
-- about an alert that was merged counts for the one that survived.
CREATE OR REPLACE VIEW {database}.alerts_with_state AS
SELECT
    a.alert_id AS alert_id,
    a.rule AS rule,
    a.title AS title,
    a.level AS level,
    a.tags AS tags,
    a.runbook AS runbook,
    a.group_fields AS group_fields,
    a.status AS status,
    a.merged_into AS merged_into,
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
        if(m.merged_into = '', x.alert_id, m.merged_into) AS subject,
        argMaxIf(if(x.action = 'close', 'closed', 'acknowledged'), x.at, x.action IN ('acknowledge', 'close')) AS state,
        argMaxIf(x.assignee, x.at, x.action = 'assign') AS assignee,
        argMinIf(x.actor, x.at, x.action = 'acknowledge') AS acknowledged_by,
        minIf(x.at, x.action = 'acknowledge') AS acknowledged_at,
        argMaxIf(x.actor, x.at, x.action = 'close') AS closed_by,
        maxIf(x.at, x.action = 'close') AS closed_at,
        argMaxIf(x.reason, x.at, x.action = 'close') AS close_reason,
        countIf(x.action = 'comment') AS comments
    FROM {database}.alert_actions AS x
    LEFT JOIN (SELECT alert_id, merged_into FROM {database}.alerts FINAL WHERE status = 'merged') AS m
        ON m.alert_id = x.alert_id
    GROUP BY subject
) AS s ON s.subject = a.alert_id;

-- What an operator works on.
CREATE OR REPLACE VIEW {database}.alerts_current AS
SELECT * FROM {database}.alerts_with_state WHERE status != 'merged';
