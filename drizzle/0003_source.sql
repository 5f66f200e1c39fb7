ALTER TABLE `messages` ADD `source` text DEFAULT 'agent' NOT NULL;--> statement-breakpoint
UPDATE `messages` SET `source` = CASE WHEN `from_id` = 'user' THEN 'person' WHEN `from_id` = 'system' AND `kind` = 'task' THEN 'integration' WHEN `from_id` = 'system' THEN 'relay' WHEN instr(`from_id`, ':') > 0 THEN 'channel' ELSE 'agent' END;
