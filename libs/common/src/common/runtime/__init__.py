"""What turns topics of work into a running service: settings, surroundings, packs kept, background work, stop."""
