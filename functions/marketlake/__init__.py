"""What the functions of the pipeline share: contracts, lake layout, errors, calendars, settings, telemetry."""
