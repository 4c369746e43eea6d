-- That somebody took a list of affected persons out of here, and how much of it names them.
ALTER TABLE {database}.alert_actions
    ADD COLUMN IF NOT EXISTS persons UInt64 COMMENT 'export: how many persons were listed' AFTER reason;

ALTER TABLE {database}.alert_actions
    ADD COLUMN IF NOT EXISTS identified UInt64 COMMENT 'export: how many of them with the id that the portal has of them' AFTER persons;

ALTER TABLE {database}.alert_actions
    COMMENT COLUMN action 'acknowledge, assign, comment, close or export';
