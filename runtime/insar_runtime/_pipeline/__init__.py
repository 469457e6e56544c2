"""Pipeline: prepare a table, plan, classify batch by batch, write the outputs, in bounded memory."""
