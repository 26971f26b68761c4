"""The board on 100,000 records: reading, the terminal table, verifying's reading, the page and the site."""
