"""OSCQuery: the tree, described in JSON to programs that build their controls from it, with values as they change."""
