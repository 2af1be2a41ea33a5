DROP TABLE webhook_sealing_key;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_requests;
DROP TABLE webhook_endpoints;
