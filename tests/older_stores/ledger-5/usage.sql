PRAGMA user_version = 5;
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
    , characters INTEGER NOT NULL DEFAULT 0, audio_milliseconds INTEGER NOT NULL DEFAULT 0, images INTEGER NOT NULL DEFAULT 0, image_size TEXT NOT NULL DEFAULT '', accounts TEXT NOT NULL DEFAULT '[]', exposure_micros INTEGER, exposure_picos INTEGER, attempt_details TEXT NOT NULL DEFAULT '[]');
INSERT INTO "lines" VALUES('18eca37d97f20308bcfe488482db4cee',1795990111229,'req_3638061cf754b1415ceda7e0a6eab074','old','key_a508747708f0','ChatCompletion','sim','sim','Simulator','sim',200,1,0,22,22,NULL,NULL,2,32,0,0,0,0,0,0,0,'measured',325,0,'USD','{"cost_centre":"4711"}','{"currency":"USD","input":"2.5","output":"10"}','[]',0,0,0,'','[]',NULL,NULL,'[{"document":"sim","milliseconds":0,"status":200,"bytes_sent":null,"bytes_received":null,"delivered":701,"error":null,"usage_source":"measured","exposure_units":325000000,"currency":"USD"}]');
INSERT INTO "lines" VALUES('18eca37d9aeba3e4684650bd8798bf94',1795990111279,'req_607b1bf020813f19a38706ebf04b2031','old','key_a508747708f0','ChatCompletion','sim','sim','Simulator','sim',200,1,0,0,0,NULL,NULL,2,41,0,0,0,0,0,0,0,'measured',415,0,'USD','{"cost_centre":"4711"}','{"currency":"USD","input":"2.5","output":"10"}','[]',0,0,0,'','[]',NULL,NULL,'[{"document":"sim","milliseconds":0,"status":200,"bytes_sent":null,"bytes_received":null,"delivered":737,"error":null,"usage_source":"measured","exposure_units":415000000,"currency":"USD"}]');
INSERT INTO "lines" VALUES('18eca37d9b9935a3781f2ab87340722c',1795990111290,'req_a0b4a5ef5469f3c27363a3dd70e19f27','old','key_a508747708f0','ChatCompletion','sim','sim','Simulator','sim',200,1,0,0,0,NULL,NULL,2,40,0,0,0,0,0,0,0,'measured',405,0,'USD','{"cost_centre":"4711"}','{"currency":"USD","input":"2.5","output":"10"}','[]',0,0,0,'','[]',NULL,NULL,'[{"document":"sim","milliseconds":0,"status":200,"bytes_sent":null,"bytes_received":null,"delivered":733,"error":null,"usage_source":"measured","exposure_units":405000000,"currency":"USD"}]');
CREATE TABLE writers (
        id TEXT NOT NULL PRIMARY KEY,
        host TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        complete_ms INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        lost INTEGER NOT NULL,
        lost_ms INTEGER NOT NULL,
        rejected INTEGER NOT NULL,
        ended INTEGER NOT NULL
    ) WITHOUT ROWID;
CREATE INDEX lines_by_project ON lines (project, time_ms);
CREATE INDEX lines_by_time ON lines (time_ms);
COMMIT;
