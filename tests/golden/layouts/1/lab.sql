BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	timestamp BIGINT NOT NULL, 
	user_id TEXT NOT NULL, 
	action TEXT NOT NULL, 
	resource_type TEXT NOT NULL, 
	resource_id TEXT NOT NULL, 
	source_ip TEXT NOT NULL, 
	user_agent TEXT, 
	outcome TEXT NOT NULL, 
	metadata JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,1,'audit-user_id','audit-action','audit-resource_type','audit-resource_id','audit-source_ip','audit-user_agent','audit-outcome','{}');
CREATE TABLE calls (
	experiment_id VARCHAR(40) NOT NULL, 
	sample BIGINT NOT NULL, 
	chunk_id BIGINT NOT NULL, 
	fence BIGINT NOT NULL, 
	limit_key TEXT NOT NULL, 
	reserved_picousd BIGINT NOT NULL, 
	started_at BIGINT NOT NULL, 
	PRIMARY KEY (experiment_id, sample), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (id)
);
INSERT INTO "calls" VALUES('experiments-id',1,1,1,'calls-limit_key',1,1);
CREATE TABLE chunks (
	id INTEGER NOT NULL, 
	experiment_id VARCHAR(40) NOT NULL, 
	first BIGINT NOT NULL, 
	count INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	worker TEXT, 
	fence BIGINT NOT NULL, 
	lease_expires_at BIGINT, 
	losses INTEGER NOT NULL, 
	suspect BIGINT, 
	suspect_losses INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	CHECK (state IN ('waiting', 'leased', 'done')), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (id)
);
INSERT INTO "chunks" VALUES(1,'experiments-id',1,1,'waiting','chunks-worker',1,1,1,1,1);
CREATE TABLE datasets (
	id VARCHAR(40) NOT NULL, 
	owner TEXT NOT NULL, 
	name TEXT NOT NULL, 
	ordinal INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, 
	schema JSON NOT NULL, 
	rows BIGINT NOT NULL, 
	bytes BIGINT NOT NULL, 
	format TEXT NOT NULL, 
	statistics JSON NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (owner, name, digest), 
	UNIQUE (owner, name, ordinal)
);
INSERT INTO "datasets" VALUES('datasets-id','datasets-owner','datasets-name',1,'datasets-digest',1,'{}',1,1,'datasets-format','{}');
CREATE TABLE experiments (
	id VARCHAR(40) NOT NULL, 
	name TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	experiment_type TEXT NOT NULL, 
	specification JSON NOT NULL, 
	dataset_id VARCHAR(40) NOT NULL, 
	prompt_id VARCHAR(40) NOT NULL, 
	model_id VARCHAR(40) NOT NULL, 
	status TEXT NOT NULL, 
	reason TEXT, 
	priority INTEGER NOT NULL, 
	samples BIGINT NOT NULL, 
	cursor BIGINT NOT NULL, 
	done BIGINT NOT NULL, 
	failed BIGINT NOT NULL, 
	cap_picousd BIGINT, 
	reserved_picousd BIGINT NOT NULL, 
	spent_picousd BIGINT NOT NULL, 
	calls_repeated BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	started_at BIGINT, 
	finished_at BIGINT, 
	served_at BIGINT NOT NULL, 
	summary JSON, 
	traceparent TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(dataset_id) REFERENCES datasets (id), 
	FOREIGN KEY(model_id) REFERENCES models (id), 
	FOREIGN KEY(prompt_id) REFERENCES prompts (id)
);
INSERT INTO "experiments" VALUES('experiments-id','experiments-name','experiments-owner','experiments-experiment_type','{}','datasets-id','prompts-id','models-id','queued','experiments-reason',1,1,1,1,1,1,1,1,1,1,1,1,1,'{}','experiments-traceparent');
CREATE TABLE idempotency (
	user TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	status INTEGER, 
	body BLOB, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (user, "key")
);
INSERT INTO "idempotency" VALUES('idempotency-user','idempotency-key','idempotency-digest',1,X'7B7D',1);
CREATE TABLE keys (
	id VARCHAR(40) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	user TEXT NOT NULL, 
	role TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (digest)
);
INSERT INTO "keys" VALUES('keys-id','keys-digest','keys-name','keys-user','keys-role',1,1);
CREATE TABLE models (
	id VARCHAR(40) NOT NULL, 
	owner TEXT NOT NULL, 
	name TEXT NOT NULL, 
	ordinal INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, 
	content JSON NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (owner, name, digest), 
	UNIQUE (owner, name, ordinal)
);
INSERT INTO "models" VALUES('models-id','models-owner','models-name',1,'models-digest',1,'{}');
CREATE TABLE prompts (
	id VARCHAR(40) NOT NULL, 
	owner TEXT NOT NULL, 
	name TEXT NOT NULL, 
	ordinal INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, 
	content JSON NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (owner, name, digest), 
	UNIQUE (owner, name, ordinal)
);
INSERT INTO "prompts" VALUES('prompts-id','prompts-owner','prompts-name',1,'prompts-digest',1,'{}');
CREATE TABLE rates (
	name TEXT NOT NULL, 
	tokens FLOAT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "rates" VALUES('rates-name',1.0,1);
CREATE TABLE responses (
	digest VARCHAR(64) NOT NULL, 
	answer TEXT NOT NULL, 
	input_tokens INTEGER NOT NULL, 
	output_tokens INTEGER NOT NULL, 
	latency_ms FLOAT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (digest)
)
 WITHOUT ROWID

;
INSERT INTO "responses" VALUES('responses-digest','responses-answer',1,1,1.0,1);
CREATE TABLE results (
	experiment_id VARCHAR(40) NOT NULL, 
	sample BIGINT NOT NULL, 
	messages JSON NOT NULL, 
	answer TEXT, 
	input_tokens INTEGER, 
	output_tokens INTEGER, 
	latency_ms FLOAT, 
	cost_picousd BIGINT, 
	scores JSON NOT NULL, 
	failure_kind TEXT, 
	failure_message TEXT, 
	cached BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	finished_at BIGINT NOT NULL, 
	PRIMARY KEY (experiment_id, sample), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (id)
)
 WITHOUT ROWID

;
INSERT INTO "results" VALUES('experiments-id',1,'{}','results-answer',1,1,1.0,1,'{}','results-failure_kind','results-failure_message',1,1,1);
CREATE TABLE scores (
	experiment_id VARCHAR(40) NOT NULL, 
	metric TEXT NOT NULL, 
	cached BOOLEAN NOT NULL, 
	value FLOAT NOT NULL, 
	sample BIGINT NOT NULL, 
	PRIMARY KEY (experiment_id, metric, cached, value, sample)
)
 WITHOUT ROWID

;
INSERT INTO "scores" VALUES('scores-experiment_id','scores-metric',1,1.0,1);
CREATE INDEX audit_by_resource ON audit (resource_type, resource_id, id);
CREATE INDEX audit_by_user ON audit (user_id, id);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX experiments_by_owner ON experiments (owner, id);
CREATE INDEX experiments_by_status ON experiments (status, priority);
CREATE INDEX chunks_open ON chunks (state, experiment_id) WHERE state != 'done';
CREATE INDEX results_by_latency ON results (experiment_id, cached, failure_kind, latency_ms, sample);
CREATE INDEX results_by_sample ON results (experiment_id, cached, failure_kind, sample);
COMMIT;
