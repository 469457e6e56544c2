"""One run over one table: batches in, batches out, in bounded memory."""
