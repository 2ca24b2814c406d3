"""The murmuration command: one subcommand a file."""
