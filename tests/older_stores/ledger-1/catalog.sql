PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE documents (
        kind TEXT NOT NULL CHECK (kind IN ('model', 'project')),
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        version TEXT NOT NULL DEFAULT '',
        updated_at TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (kind, id)
    );
INSERT INTO "documents" VALUES('model','sim','{"id": "sim", "code": "sim", "name": "Simulated", "provider": "Simulator", "model_type": "Simulator", "private": false, "projects": [], "parameters": {}, "costs": {"currency": "USD", "cost_input_1Mtokens": 2.5, "cost_output_1Mtokens": 10}, "operations": ["ChatCompletion"]}','39b0391092df6a2e','2026-11-29T22:08:17Z');
INSERT INTO "documents" VALUES('project','old','{"id": "old", "name": "old", "enabled": true, "keys": [{"id": "key_19d0f71facac", "name": "ci", "prefix": "sk-of-a", "sha256": "3aa080054dcf70221d1f3ea71ff133d2f2ebaf883d332724d37fcdaea6f2aa3e", "created_at": "2026-11-29T22:08:18Z", "expires_at": null, "revoked_at": null}], "tags": {"cost_centre": "4711"}}','d60bdca5f3b8e30c','2026-11-29T22:08:18Z');
CREATE TABLE history (
        document_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        author TEXT NOT NULL,
        deed TEXT NOT NULL,
        note TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (document_id, version)
    );
INSERT INTO "history" VALUES('sim',1,1795990097015,'operator@laptop','added','','{"id": "sim", "code": "sim", "name": "Simulated", "provider": "Simulator", "model_type": "Simulator", "private": false, "projects": [], "parameters": {}, "costs": {"currency": "USD", "cost_input_1Mtokens": 2.5, "cost_output_1Mtokens": 10}, "operations": ["ChatCompletion"]}');
CREATE TABLE mark (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        value TEXT NOT NULL
    );
INSERT INTO "mark" VALUES(1,'ac198f2f71d77b1e');
CREATE TRIGGER document_added AFTER INSERT ON documents BEGIN
        UPDATE documents
            SET version = lower(hex(randomblob(8))), updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
            WHERE kind = NEW.kind AND id = NEW.id;
        DELETE FROM mark;
        INSERT INTO mark VALUES (1, lower(hex(randomblob(8))));
    END;
CREATE TRIGGER document_changed AFTER UPDATE OF kind, id, body ON documents BEGIN
        UPDATE documents
            SET version = lower(hex(randomblob(8))), updated_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
            WHERE kind = NEW.kind AND id = NEW.id;
        DELETE FROM mark;
        INSERT INTO mark VALUES (1, lower(hex(randomblob(8))));
    END;
CREATE TRIGGER document_removed AFTER DELETE ON documents BEGIN
        DELETE FROM mark;
        INSERT INTO mark VALUES (1, lower(hex(randomblob(8))));
    END;
CREATE INDEX history_latest ON history (at_ms, document_id, version);
COMMIT;
