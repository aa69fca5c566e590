"""Every change of support's rows, by verb group."""
