-- Which rules a detector has or had in force: a topic and its consumer group, or the files of an embedded database.
-- It is how a start knows whose the open alerts of a rule are that is not there any more.
CREATE TABLE IF NOT EXISTS {database}.rules_in_force
(
    detector String COMMENT 'topic and consumer group; empty for files',
    rule String,
    in_force Bool COMMENT 'false once it is gone',
    since DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(since)
ORDER BY (detector, rule)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE {database}.alerts
    COMMENT COLUMN resolution 'rule_changed or rule_gone when that ended it, empty when its time ran out';
