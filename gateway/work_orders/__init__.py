"""Work orders (工单): what the platform's answers mean, what is promised, and words for citizens; pure."""
