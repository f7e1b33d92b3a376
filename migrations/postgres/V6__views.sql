-- For people with a SQL prompt. The daemon reads the tables.
CREATE VIEW issues AS
    SELECT s.name AS issue, r.version, r.state, r.priority, r.claimant AS holder, r.unstarted, r.document::json AS document
    FROM read_models r JOIN streams s ON s.id = r.stream
    WHERE r.kind = 'issue' AND r.shown;

CREATE VIEW pulls AS
    SELECT s.name AS pull_request, r.version, r.state, r.head, r.document::json AS document
    FROM read_models r JOIN streams s ON s.id = r.stream
    WHERE r.kind = 'pull_request' AND r.shown;

CREATE VIEW agents AS
    SELECT s.name AS agent, r.version, h.last_heartbeat, r.document::json AS document
    FROM read_models r
    JOIN streams s ON s.id = r.stream
    LEFT JOIN (SELECT agent, max(at) AS last_heartbeat FROM heartbeats GROUP BY agent) h ON h.agent = s.name
    WHERE r.kind = 'agent' AND r.shown;
