"""In-app help: prediction formats with templates to download, metrics, keyboard shortcuts."""
