CREATE TABLE `source_ends` (
	`source` text NOT NULL,
	`key` text NOT NULL,
	`as_of` integer,
	`at` integer NOT NULL,
	PRIMARY KEY(`source`, `key`)
);
--> statement-breakpoint
CREATE INDEX `source_ends_by_age` ON `source_ends` (`at`);