"""Runbooks: found and read (pages), written (write), decided about (act), run (runs)."""
