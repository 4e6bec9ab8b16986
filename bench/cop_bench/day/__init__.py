"""A typhoon day as it comes in: what runs, who reads meanwhile, and the reckoning afterwards."""
