"""Tables that ``classify`` has written, as ``show`` and ``report`` read them."""
