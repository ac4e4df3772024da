"""The model in the box and how it was made. Nothing here is imported when Skybus runs: it loads the file alone."""
