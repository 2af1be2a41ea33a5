-- What the caller named the request, where that is no UUID: the caller saw this name in the answer.
ALTER TABLE audit_events ADD COLUMN request_name text;
