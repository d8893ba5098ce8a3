"""What each audience gets to read, as data first and then as HTML, XLSX and JSON."""
