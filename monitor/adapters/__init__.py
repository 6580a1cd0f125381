"""Everything that touches the world: clock, network, database, senders."""
