"""提醒与通报: what units are told by telephone or text message the moment it happens."""
