-- The work queue of one run.
CREATE TABLE facts (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    lease_ms INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    -- Times count from this boot of the machine.
    boot TEXT NOT NULL,
    -- The number of the last lease.
    leases INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE tallies (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    is_complete INTEGER NOT NULL DEFAULT 0,
    entered INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0,
    leased INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0,
    candidates INTEGER NOT NULL DEFAULT 0,
    edits INTEGER NOT NULL DEFAULT 0,
    reward_calls INTEGER NOT NULL DEFAULT 0,
    nfe INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0,
    usd_micros INTEGER NOT NULL DEFAULT 0,
    wall_secs REAL NOT NULL DEFAULT 0
);
CREATE TABLE workers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE items (
    ordinal INTEGER PRIMARY KEY,
    -- The data set's row.
    line INTEGER NOT NULL,
    repeat INTEGER NOT NULL,
    place TEXT NOT NULL,
    -- 0 waiting, 1 leased, 2 done, 3 skipped, 4 dead.
    state INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    -- Waiting: not to be handed out before. Leased: until when. Milliseconds since the boot.
    due INTEGER NOT NULL DEFAULT 0,
    lease INTEGER,
    worker INTEGER,
    -- What was spent in vain, and how the item ended: JSON.
    vain TEXT,
    ending TEXT
);
CREATE INDEX items_waiting ON items (ordinal, due) WHERE state = 0;
CREATE INDEX items_leased ON items (due) WHERE state = 1;
CREATE INDEX items_held ON items (worker) WHERE state = 1;
INSERT INTO tallies (one) VALUES (1);
