"""Tables in: containers, layouts, dates, units."""
