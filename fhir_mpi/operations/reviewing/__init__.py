"""$mdm-review-*: the links that need a person, and what stewards do with them."""
