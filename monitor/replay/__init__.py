"""What would have been judged and owed: the recorded past again, under the same rules or others."""
