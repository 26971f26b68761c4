"""The static pages and charts of a leaderboard."""
