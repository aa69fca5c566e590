"""Reads of incidents that join or shape."""
