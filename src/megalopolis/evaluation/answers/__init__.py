"""Answers of the commands: a room for each, with its JSON document and its plain text."""
