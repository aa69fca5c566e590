"""What support shows, read in as many statements as there are kinds of things."""
