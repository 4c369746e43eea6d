-- The optional archive of events: for hunts and for the list of affected persons. Persons are pseudonyms.
-- The event id ends the sorting key and the fields before it are the event's own, so the same event written
-- twice becomes one row; two different events that wrongly share an id both stay, as evidence.
-- The time to live is set at the start of the service, from its configuration.
CREATE TABLE IF NOT EXISTS {database}.access_events
(
    event_id String,
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    action LowCardinality(String),
    outcome LowCardinality(String),
    reason LowCardinality(String),
    user_id String,
    user_roles Array(LowCardinality(String)),
    target_user_id String,
    organization_id String,
    organization_name String,
    source_ip String,
    source_as_number UInt32,
    source_country LowCardinality(String),
    user_agent String,
    http_method LowCardinality(String),
    http_status UInt16,
    response_bytes UInt64,
    url_path String,
    application LowCardinality(String),
    application_lifecycle LowCardinality(String),
    session_id String,
    authentication_methods Array(LowCardinality(String)),
    records UInt64,
    records_out_of_scope UInt64,
    persons Array(String) COMMENT 'pseudonyms, 16 hex digits each' CODEC(ZSTD),
    structures Array(LowCardinality(String)),
    sensitivity Array(LowCardinality(String)),
    other Map(String, Array(String)) COMMENT 'archived fields without a column of their own, by dotted path',
    archived_at DateTime('UTC') MATERIALIZED now('UTC') COMMENT 'keeps a replay of old events from expiring at once'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(time)
ORDER BY (user_id, time, event_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;
