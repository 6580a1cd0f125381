"""August 2025 in Thái Nguyên, played on the real engine: only the figures and who answers are scripted."""
