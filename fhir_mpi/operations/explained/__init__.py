"""The page that shows a person why two records match."""
