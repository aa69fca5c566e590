"""What every API view shares: safe parsing, problem+json, cursor pages, strict filters, schema.

Import from the modules: DRF reads its settings, and so these, while its own views load.
"""
