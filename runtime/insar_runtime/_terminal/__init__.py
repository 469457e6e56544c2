"""Text for people and log lines for programs, as commands write them; the report shares some of the sentences."""
