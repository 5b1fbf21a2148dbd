// What an interpreter that waits for a function tries itself out on.
exports.handler = async (event) => event
