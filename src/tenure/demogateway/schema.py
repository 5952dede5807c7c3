"""The tables of the pretend processor. One charge per payment is a constraint, not a habit.

Read next: ``demogateway/book.py``, the only reader and writer.
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
  id TEXT PRIMARY KEY,
  order_no TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  description TEXT NOT NULL,
  customer TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'unconfirmed',
  card TEXT,
  off_session INTEGER NOT NULL DEFAULT 0,
  save_card INTEGER NOT NULL DEFAULT 0,
  decline_code TEXT NOT NULL DEFAULT '',
  hard INTEGER NOT NULL DEFAULT 0,
  page TEXT UNIQUE,
  language TEXT NOT NULL DEFAULT 'en',
  return_path TEXT NOT NULL DEFAULT '/',
  payer_name TEXT NOT NULL DEFAULT '',
  merchant TEXT NOT NULL DEFAULT '',
  created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS intents_by_order ON intents (order_no, attempt);
CREATE TABLE IF NOT EXISTS charges (
  n INTEGER PRIMARY KEY,
  intent TEXT NOT NULL UNIQUE REFERENCES intents,
  amount INTEGER NOT NULL,
  refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
  captured_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS refunds (
  id TEXT PRIMARY KEY,
  intent TEXT NOT NULL REFERENCES charges (intent),
  amount INTEGER NOT NULL CHECK (amount > 0),
  reason TEXT NOT NULL,
  made_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS cards (
  token TEXT PRIMARY KEY,
  customer TEXT NOT NULL,
  kind TEXT NOT NULL,
  saved_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS cards_by_customer ON cards (customer);
CREATE TABLE IF NOT EXISTS events (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  ref TEXT NOT NULL,
  created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS bells (
  n INTEGER PRIMARY KEY,
  event INTEGER NOT NULL REFERENCES events,
  due_at REAL NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS bells_by_due ON bells (due_at);
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  made_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS faults (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS customers (
  id TEXT PRIMARY KEY,
  metadata TEXT NOT NULL,
  made_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS setups (
  page TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  customer TEXT NOT NULL REFERENCES customers,
  currency TEXT NOT NULL,
  metadata TEXT NOT NULL,
  language TEXT NOT NULL,
  return_path TEXT NOT NULL,
  payer_name TEXT NOT NULL DEFAULT '',
  merchant TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'unconfirmed',
  kind TEXT NOT NULL DEFAULT '',
  card TEXT,
  created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS detached (token TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS disputes (
  id TEXT PRIMARY KEY,
  intent TEXT NOT NULL UNIQUE REFERENCES charges (intent),
  amount INTEGER NOT NULL,
  reason TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'needs_response',
  opened_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS movements (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  amount INTEGER NOT NULL,
  fee INTEGER NOT NULL,
  currency TEXT NOT NULL,
  source TEXT NOT NULL,
  intent TEXT NOT NULL DEFAULT '',
  made_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS movements_by_source ON movements (source);
"""

# What a book that was begun earlier does not have yet.
ADDED = {
    "metadata": "TEXT NOT NULL DEFAULT '{}'",
    "hosted": "INTEGER NOT NULL DEFAULT 0",
    "asked_at": "REAL",
}
