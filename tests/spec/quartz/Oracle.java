import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.Date;
import java.util.TimeZone;
import org.quartz.CronExpression;

/**
 * Asks Quartz itself: reads lines `expression|zone|seconds since 1970|count` and answers each with
 * the next fire times in seconds, with `error` and the reason, or with `endless`.
 */
public class Oracle extends Thread {
    private static final long PATIENCE_MS = 2000L;

    private final String[] question;
    private volatile String answer = "endless";

    private Oracle(String[] question) {
        this.question = question;
        setDaemon(true);
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Oracle oracle = new Oracle(line.split("\\|"));
            oracle.start();
            oracle.join(PATIENCE_MS);
            out.println(oracle.answer);
        }
        out.flush();
        System.exit(0);
    }

    public void run() {
        try {
            CronExpression expression = new CronExpression(question[0]);
            expression.setTimeZone(TimeZone.getTimeZone(question[1]));
            Date at = new Date(Long.parseLong(question[2]) * 1000L);
            StringBuilder found = new StringBuilder();
            for (int left = Integer.parseInt(question[3]); left > 0; left--) {
                at = expression.getNextValidTimeAfter(at);
                if (at == null) {
                    break;
                }
                found.append(at.getTime() / 1000L).append(' ');
            }
            answer = found.toString().trim();
        } catch (Exception error) {
            answer = "error " + String.valueOf(error).replace('\n', ' ');
        }
    }
}
