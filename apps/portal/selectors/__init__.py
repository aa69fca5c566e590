"""Reads that join several apps, one module a page. Each costs a fixed number of queries."""
