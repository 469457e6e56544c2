"""The trend of a diagnosed series as a curve, which ``show``, its PNG and the report draw."""
