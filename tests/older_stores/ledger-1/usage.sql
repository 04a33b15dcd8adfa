PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE lines (
        id TEXT NOT NULL UNIQUE,
        time_ms INTEGER NOT NULL,
        request_id TEXT NOT NULL,
        project TEXT NOT NULL,
        key_id TEXT NOT NULL,
        operation TEXT NOT NULL,
        code TEXT NOT NULL,
        document_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        upstream_model TEXT NOT NULL,
        status INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        streamed INTEGER NOT NULL,
        latency_ms INTEGER NOT NULL,
        first_byte_ms INTEGER,
        error TEXT,
        end_user TEXT,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cached_input_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        audio_input_tokens INTEGER NOT NULL,
        audio_output_tokens INTEGER NOT NULL,
        image_input_tokens INTEGER NOT NULL,
        image_output_tokens INTEGER NOT NULL,
        usage_source TEXT NOT NULL,
        cost_micros INTEGER NOT NULL, -- whole 10^-6 of a currency unit, rounded down
        cost_picos INTEGER NOT NULL, -- and the 10^-12 that are left, 0 to 999999
        currency TEXT NOT NULL,
        tags TEXT NOT NULL, -- JSON object
        prices TEXT NOT NULL, -- JSON object
        unpriced TEXT NOT NULL -- JSON list
    );
INSERT INTO "lines" VALUES('18eca37b4c212e211f40f63dbca81b6b',1795990101367,'req_1a2f5382843f2ebb15cbdfdb24c8471c','old','key_19d0f71facac','ChatCompletion','sim','sim','Simulator','sim',200,1,0,0,0,NULL,NULL,2,32,0,0,0,0,0,0,0,'measured',325,0,'USD','{"cost_centre":"4711"}','{"currency":"USD","input":"2.5","output":"10"}','[]');
INSERT INTO "lines" VALUES('18eca37b4d972caad575e1e2c7856f57',1795990101391,'req_f7de74029c0e9def863ff6bee3eff272','old','key_19d0f71facac','ChatCompletion','sim','sim','Simulator','sim',200,1,0,0,0,NULL,NULL,2,41,0,0,0,0,0,0,0,'measured',415,0,'USD','{"cost_centre":"4711"}','{"currency":"USD","input":"2.5","output":"10"}','[]');
INSERT INTO "lines" VALUES('18eca37b4e8184cc74164c7db2312012',1795990101407,'req_dceeb4d4f53bdd2a0b8667e2decc49fe','old','key_19d0f71facac','ChatCompletion','sim','sim','Simulator','sim',200,1,0,0,0,NULL,NULL,2,40,0,0,0,0,0,0,0,'measured',405,0,'USD','{"cost_centre":"4711"}','{"currency":"USD","input":"2.5","output":"10"}','[]');
CREATE INDEX lines_by_project ON lines (project, time_ms);
CREATE INDEX lines_by_time ON lines (time_ms);
COMMIT;
