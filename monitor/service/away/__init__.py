"""While the store is away: whether it answers (line), the way round it (detour), and what is kept there (backlog)."""
