"""Units of the series: mm, cm, m or radians, plausible values, and the wavelength of the radar."""
