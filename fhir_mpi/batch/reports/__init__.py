"""Reports as one HTML file each: drawn here, nothing is fetched from anywhere."""
