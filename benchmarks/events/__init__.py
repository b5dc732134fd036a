"""How fast events leave."""
