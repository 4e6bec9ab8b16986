"""Delivery: changes sent to webhooks and to an MQTT broker, at least once and in order for each feature."""
